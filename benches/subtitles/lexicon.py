"""Words of five languages, from which sentences are made. The weak ones should not end a subtitle."""


class Lexicon:
    def __init__(self, articles, pronouns, prepositions, conjunctions, nouns, verbs, adjectives, adverbs, openers):
        split = str.split
        self.articles, self.pronouns = split(articles), split(pronouns)
        self.prepositions, self.conjunctions = split(prepositions), split(conjunctions)
        self.nouns, self.verbs = split(nouns), split(verbs)
        self.adjectives, self.adverbs, self.openers = split(adjectives), split(adverbs), split(openers)
        self.weak = {*self.articles, *self.pronouns, *self.prepositions, *self.conjunctions}


LEXICONS = {
    "en": Lexicon(
        "the a the an this every our their",
        "I you he she we they it",
        "of in on with for from to about through between under after without",
        "and but because that when if or while so",
        "time year people way day thing world life hand part child eye place week case point government company number"
        " group problem fact money question story night water room mother area book word business issue side kind head"
        " house service friend father power hour game line end member law car city community name president team minute"
        " idea kid body information back parent face level office door health person art war history party result change"
        " morning reason research girl guy moment air teacher force education recording conversation transcript",
        "is was had made found took knew thought saw came wanted looked used gave told worked called tried asked needed"
        " felt became left put meant kept let began seemed helped showed heard played ran moved lived believed brought"
        " happened wrote provided sat stood lost paid met included continued understood remembered",
        "good new first last long great little own other old right big high different small large next early young"
        " important few public bad same able economic remarkable unusual",
        "really actually again almost always already together perhaps simply usually today yesterday there",
        "well yes now then okay right so look",
    ),
    "de": Lexicon(
        "der die das ein eine den dem unser diese keine",
        "ich du er sie es wir ihr",
        "in mit von auf bei nach aus zu über unter für durch gegen ohne",
        "und aber weil dass wenn ob oder denn obwohl",
        "Zeit Jahr Mensch Tag Ding Welt Leben Hand Teil Kind Auge Platz Woche Fall Frage Regierung Gesellschaft Nummer"
        " Gruppe Schwierigkeit Geld Geschichte Nacht Wasser Zimmer Mutter Gegend Buch Wort Unternehmen Seite Kopf Haus"
        " Freundschaft Vater Kraft Stunde Spiel Ende Mitglied Gesetz Wagen Stadt Gemeinschaft Name Mannschaft Minute"
        " Vorstellung Körper Auskunft Eltern Gesicht Ebene Büro Tür Gesundheit Kunst Krieg Ergebnis Veränderung Morgen"
        " Grund Forschung Augenblick Luft Lehrerin Ausbildung Aufnahme Unterhaltung Mitschrift Zusammenarbeit",
        "ist war hatte machte fand nahm wusste dachte sah kam wollte suchte brauchte gab sagte arbeitete rief versuchte"
        " fragte fühlte wurde ließ meinte hielt begann schien half zeigte hörte spielte lief bewegte lebte glaubte"
        " brachte geschah schrieb saß stand verlor bezahlte traf verstand erinnerte",
        "gute neue erste letzte lange große kleine eigene andere alte richtige hohe verschiedene nächste frühe junge"
        " wichtige öffentliche schlechte gleiche wirtschaftliche bemerkenswerte ungewöhnliche",
        "wirklich eigentlich wieder fast immer schon zusammen vielleicht einfach gewöhnlich heute gestern dort",
        "ja nun also gut richtig schauen",
    ),
    "es": Lexicon(
        "el la los las un una esta este nuestro su",
        "yo ella ellos me te se lo",
        "de en con por para desde sobre entre sin hasta a",
        "y pero porque que cuando si o aunque como",
        "tiempo año gente camino día cosa mundo vida mano parte niño ojo lugar semana caso punto gobierno empresa número"
        " grupo problema hecho dinero pregunta historia noche agua habitación madre zona libro palabra negocio asunto lado"
        " cabeza casa servicio amigo padre poder hora juego línea final miembro ley coche ciudad comunidad nombre"
        " presidente equipo minuto idea cuerpo información cara nivel oficina puerta salud persona arte guerra resultado"
        " cambio mañana razón investigación momento aire maestra fuerza educación grabación conversación transcripción",
        "es era tenía hizo encontró tomó sabía pensaba vio vino quería miraba usaba dio dijo trabajaba llamó intentaba"
        " preguntó necesitaba sentía dejó puso mantenía empezó parecía ayudaba mostró oyó jugaba corría movía vivía creía"
        " trajo pasó escribió perdió pagó conoció incluía continuaba entendía recordaba",
        "bueno nuevo primero último largo grande pequeño propio otro viejo correcto alto diferente próximo temprano joven"
        " importante público malo mismo económico extraordinario",
        "realmente ahora siempre quizá simplemente normalmente hoy ayer allí juntos todavía",
        "bueno sí entonces claro mira vale",
    ),
    "fr": Lexicon(
        "le la les un une des ce cette notre leur",
        "je tu il elle nous vous ils",
        "de dans avec pour par sur sous entre sans depuis vers à",
        "et mais parce que quand si ou donc comme",
        "temps année monde chemin jour chose vie main partie enfant œil endroit semaine cas point gouvernement entreprise"
        " nombre groupe problème fait argent question histoire nuit eau chambre mère région livre mot affaire côté tête"
        " maison service ami père pouvoir heure jeu ligne fin membre loi voiture ville communauté nom président équipe"
        " minute idée corps information visage niveau bureau porte santé personne art guerre résultat changement matin"
        " raison recherche moment air institutrice force éducation enregistrement conversation transcription",
        "est était avait faisait trouva prit savait pensait voyait venait voulait regardait utilisait donna disait"
        " travaillait appela essayait demanda sentait devint laissa mettait gardait commença semblait aidait montra"
        " entendit jouait courait bougeait vivait croyait apporta arriva écrivait perdit paya rencontra comprenait",
        "bon nouveau premier dernier long grand petit propre autre vieux juste haut différent prochain jeune important"
        " public mauvais même économique remarquable",
        "vraiment encore presque toujours déjà ensemble simplement aujourd'hui hier là souvent",
        "bien oui alors bon voilà d'accord",
    ),
    "nl": Lexicon(
        "de het een deze dit onze hun",
        "ik jij hij zij wij ze het",
        "van in op met voor door naar bij over tussen onder zonder uit",
        "en maar omdat dat als of want terwijl toen",
        "tijd jaar mens weg dag ding wereld leven hand deel kind oog plaats week geval punt regering bedrijf nummer groep"
        " probleem feit geld vraag verhaal nacht water kamer moeder gebied boek woord zaak kant hoofd huis dienst vriend"
        " vader kracht uur spel lijn einde lid wet auto stad gemeenschap naam voorzitter ploeg minuut gedachte lichaam"
        " inlichting gezicht niveau kantoor deur gezondheid persoon kunst oorlog geschiedenis feest uitslag verandering"
        " ochtend reden onderzoek ogenblik lucht lerares opleiding opname gesprek uitschrift samenwerking",
        "is was had maakte vond nam wist dacht zag kwam wilde zocht gebruikte gaf zei werkte riep probeerde vroeg voelde"
        " werd liet legde bedoelde hield begon leek hielp toonde hoorde speelde liep bewoog leefde geloofde bracht"
        " gebeurde schreef zat stond verloor betaalde ontmoette begreep herinnerde",
        "goede nieuwe eerste laatste lange grote kleine eigen andere oude juiste hoge verschillende volgende vroege jonge"
        " belangrijke openbare slechte zelfde economische opmerkelijke",
        "werkelijk eigenlijk weer bijna altijd al samen misschien gewoon vandaag gisteren daar",
        "nou ja dus goed kijk oké",
    ),
}

//! Office Open XML document for word processors: a title, and paragraphs with their time and speaker in bold.
//!
//! The parts are the minimum that ECMA-376 demands, with properties and styles. Equal transcripts give equal bytes, because the
//! entries of the archive have no times.

use super::archive::zip;
use super::label::is_right_to_left;
use super::markup::escape;
use super::metadata::TranscriptMetadata;
use super::paragraph::ReadingParagraph;
use super::reading::{Reading, reading_paragraphs};
use super::silence::SILENCE;
use super::timing::clock_time;
use crate::domain::Transcript;

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const CONTENT_TYPES: &str = r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/>
<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>
<Override PartName="/word/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml"/>
<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>
</Types>
"#;
const PACKAGE_LINKS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>
<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" Target="docProps/core.xml"/>
</Relationships>
"#;
const DOCUMENT_LINKS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/>
</Relationships>
"#;
const STYLES: &str = r#"<w:styles xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">
<w:docDefaults><w:rPrDefault><w:rPr><w:sz w:val="22"/></w:rPr></w:rPrDefault><w:pPrDefault><w:pPr><w:spacing w:after="160" w:line="276" w:lineRule="auto"/></w:pPr></w:pPrDefault></w:docDefaults>
<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>
<w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/><w:basedOn w:val="Normal"/><w:rPr><w:b/><w:sz w:val="36"/></w:rPr></w:style>
</w:styles>
"#;

pub(super) fn render(transcript: &Transcript, envelope: &TranscriptMetadata<'_>) -> Vec<u8> {
    let parts = [
        ("[Content_Types].xml", CONTENT_TYPES),
        ("_rels/.rels", PACKAGE_LINKS),
        ("docProps/core.xml", &properties(transcript, envelope)),
        ("word/document.xml", &document(transcript, envelope)),
        ("word/styles.xml", STYLES),
        ("word/_rels/document.xml.rels", DOCUMENT_LINKS),
    ];
    let files = parts.map(|(name, content)| (name, format!("{XML}{content}").into_bytes()));
    zip(&files
        .each_ref()
        .map(|(name, content)| (*name, content.as_slice())))
}

fn properties(transcript: &Transcript, envelope: &TranscriptMetadata<'_>) -> String {
    let title = escape(&envelope.title());
    let created = envelope.received_at;
    let language = envelope.language(transcript);
    let language = language.map_or_else(String::new, |language| {
        format!("<dc:language>{language}</dc:language>")
    });
    format!(
        "<cp:coreProperties xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/core-properties\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:dcterms=\"http://purl.org/dc/terms/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><dc:title>{title}</dc:title>{language}\
         <dcterms:created xsi:type=\"dcterms:W3CDTF\">{created}</dcterms:created></cp:coreProperties>\n"
    )
}

fn document(transcript: &Transcript, envelope: &TranscriptMetadata<'_>) -> String {
    let Reading {
        paragraphs,
        has_times,
    } = reading_paragraphs(transcript);
    let title = run("", &envelope.title());
    let mut body = format!("<w:p><w:pPr><w:pStyle w:val=\"Title\"/></w:pPr>{title}</w:p>\n");
    let mut last_label = None;
    for paragraph in &paragraphs {
        let label = paragraph.label.as_ref();
        let shown = label.filter(|label| last_label != Some(*label));
        body.push_str(&document_paragraph(paragraph, shown, has_times));
        last_label = label;
    }
    if paragraphs.is_empty() {
        body.push_str(&format!("<w:p>{}</w:p>\n", run("", SILENCE)));
    }
    format!(
        "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body>\n{body}\
         <w:sectPr/></w:body></w:document>\n"
    )
}

fn document_paragraph(
    paragraph: &ReadingParagraph,
    label: Option<&String>,
    has_times: bool,
) -> String {
    let time = has_times.then(|| format!("[{}]", clock_time(paragraph.start_ms)));
    let label = label.map(|label| format!("{label}:"));
    let head: Vec<_> = [time, label].into_iter().flatten().collect();
    let is_right_to_left = is_right_to_left(&paragraph.text);
    let (direction, properties) = if is_right_to_left {
        ("<w:pPr><w:bidi/></w:pPr>", "<w:rtl/>")
    } else {
        ("", "")
    };
    let head = if head.is_empty() {
        String::new()
    } else {
        run("<w:b/>", &format!("{} ", head.join(" ")))
    };
    format!(
        "<w:p>{direction}{head}{}</w:p>\n",
        run(properties, &paragraph.text)
    )
}

/// Returns a run of text with the same properties.
fn run(properties: &str, text: &str) -> String {
    let properties = match properties {
        "" => String::new(),
        properties => format!("<w:rPr>{properties}</w:rPr>"),
    };
    let text = escape(text);
    format!("<w:r>{properties}<w:t xml:space=\"preserve\">{text}</w:t></w:r>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_has_its_time_and_speaker_in_bold() {
        let paragraph = |text: &str| ReadingParagraph {
            start_ms: 61_000,
            label: None,
            text: text.to_owned(),
        };
        let label = "Anna".to_owned();
        let shown = document_paragraph(&paragraph("R&D."), Some(&label), true);
        let head =
            "<w:r><w:rPr><w:b/></w:rPr><w:t xml:space=\"preserve\">[00:01:01] Anna: </w:t></w:r>";
        let text = "<w:r><w:t xml:space=\"preserve\">R&amp;D.</w:t></w:r>";
        assert_eq!(shown, format!("<w:p>{head}{text}</w:p>\n"));
        let arabic = document_paragraph(&paragraph("نعم"), None, false);
        assert!(
            arabic.starts_with("<w:p><w:pPr><w:bidi/></w:pPr><w:r><w:rPr><w:rtl/>"),
            "{arabic}"
        );
    }
}

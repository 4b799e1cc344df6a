-- A list of more than two in a CHECK is a table that SQLite fills anew for each row it writes. The same rules in words that
-- it compares one by one; no row changes, so that the text of the schema alone is changed, in place.

PRAGMA writable_schema = ON;

UPDATE sqlite_schema SET sql = replace(sql, 'state IN
                      (''queued'', ''submitting'', ''pending'', ''received'', ''done'', ''failed'', ''cancelled'')',
    'state = ''queued'' OR state = ''submitting'' OR state = ''pending'' OR state = ''received'' OR state = ''done''
                      OR state = ''failed'' OR state = ''cancelled''')
WHERE type = 'table' AND name = 'jobs';

UPDATE sqlite_schema SET sql = replace(sql, 'outcome IN
                          (''sending'', ''accepted'', ''completed'', ''refused'', ''deferred'', ''uncertain'', ''lost'', ''cancelled'')',
    'outcome = ''sending'' OR outcome = ''accepted'' OR outcome = ''completed'' OR outcome = ''refused''
                          OR outcome = ''deferred'' OR outcome = ''uncertain'' OR outcome = ''lost'' OR outcome = ''cancelled''')
WHERE type = 'table' AND name = 'attempts';

PRAGMA writable_schema = RESET; -- reads the schema again

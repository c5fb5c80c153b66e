-- Whether two answers disagree: as numbers by more than `tolerance` where both are numbers, else as text.
CREATE OR REPLACE MACRO labels_differ(one, other, tolerance) AS
    CASE
        WHEN TRY_CAST(one AS DOUBLE) IS NOT NULL AND TRY_CAST(other AS DOUBLE) IS NOT NULL
        THEN abs(TRY_CAST(one AS DOUBLE) - TRY_CAST(other AS DOUBLE)) > tolerance + 1e-12  -- 0.52 and 0.50 are 0.02 apart, and a little more in binary
        ELSE one <> other
    END;
-- An answer without case, accents, punctuation and spare blanks.
CREATE OR REPLACE MACRO answer_text(x) AS
    trim(regexp_replace(strip_accents(lower(nfc_normalize(x))), '[^\pL\pN]+', ' ', 'g'));
-- Whether two answers disagree, as the comparator says; NULL: it cannot tell. A judge's scores are compared elsewhere.
-- Of JSON, a field that only one answer has differs; one that neither has agrees.
CREATE OR REPLACE MACRO answers_differ(kind, tolerance, fields, one, other) AS
    CASE kind
        WHEN 'exact' THEN one <> other
        WHEN 'text' THEN answer_text(one) <> answer_text(other)
        WHEN 'number' THEN labels_differ(one, other, tolerance)
        WHEN 'json' THEN CASE WHEN json_valid(one) AND json_valid(other) THEN list_bool_or(list_transform(fields, lambda field:
            coalesce(
                labels_differ(
                    json_extract_string(CASE WHEN json_valid(one) THEN one END, field),
                    json_extract_string(CASE WHEN json_valid(other) THEN other END, field),
                    tolerance
                ),
                json_exists(CASE WHEN json_valid(one) THEN one END, field)
                    <> json_exists(CASE WHEN json_valid(other) THEN other END, field)
            )
        )) END
    END;
-- What a label says of its answer's worth, from 0 to 1: its words, and numbers where these are said to be grades.
CREATE OR REPLACE MACRO label_grade(label, numbers) AS
    CASE
        WHEN lower(label) IN ('correct', 'right', 'pass', 'passed') THEN 1
        WHEN lower(label) IN ('wrong', 'incorrect', 'fail', 'failed') THEN 0
        WHEN numbers AND TRY_CAST(label AS DOUBLE) BETWEEN 0 AND 1 THEN TRY_CAST(label AS DOUBLE)
    END;

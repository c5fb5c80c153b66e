SELECT
    (SELECT count(*) FROM requests WHERE started_at >= $low::TIMESTAMP AND started_at < $high::TIMESTAMP) AS requests,
    (SELECT avg(routing_ms) FROM requests WHERE started_at >= $low::TIMESTAMP AND started_at < $high::TIMESTAMP)
        AS routing_ms,
    count(*) AS calls,
    count(cost_usd) AS priced,
    sum(cost_usd)::DOUBLE AS cost_usd
FROM attempts
WHERE started_at >= $low::TIMESTAMP AND started_at < $high::TIMESTAMP AND purpose = 'classifier'

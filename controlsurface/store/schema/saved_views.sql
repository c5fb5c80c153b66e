-- Addresses of the dashboard that somebody has given a name; of one name the newest counts.
CREATE TABLE IF NOT EXISTS saved_views (
    name     VARCHAR NOT NULL PRIMARY KEY,
    address  VARCHAR NOT NULL,    -- page, time range and filters, as behind the server's own address
    saved_by VARCHAR NOT NULL,
    saved_at TIMESTAMP NOT NULL   -- UTC
);

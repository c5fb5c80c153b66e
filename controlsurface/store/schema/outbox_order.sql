-- Numbers the messages of the outbox.
CREATE SEQUENCE IF NOT EXISTS outbox_order;

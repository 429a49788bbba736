-- Up Migration

-- Without a default the column is only described, no row is written.
alter table posthaste.batches add column traceparent text;
comment on column posthaste.batches.traceparent is 'The span that the inference and the webhook belong to (W3C Trace Context): the api''s where traces are made, the caller''s own otherwise.';

-- Up Migration

-- The smallest batchId of a time: a UUIDv7 begins with its milliseconds since 1970, and has its version and
-- variant at 7 and 8 (RFC 9562 §5.7).
create function posthaste.first_batch_id(at timestamptz) returns uuid
language sql immutable strict parallel safe as $$
  select rpad(lpad(to_hex(floor(extract(epoch from at) * 1000)::bigint), 12, '0') || '70008', 32, '0')::uuid
$$;

-- batches, deliveries and attempts become partitioned by ranges of the batchId, that is by time, so that
-- what has grown old is dropped with its table, not row by row. What they hold now is the first partition.
do $$
declare
  until constant timestamptz := date_trunc('day', now(), 'UTC') + interval '8 days';
  -- A partition is named by its end: what is in it is older.
  suffix constant text := '_until_' || to_char(until at time zone 'UTC', 'YYYYMMDD');
  name text;
  key text;
  definitions text[];
  definition text;
  index_name text;
begin
  foreach name in array array['batches', 'deliveries', 'attempts'] loop
    select string_agg(attname, ', ' order by ordinality) into key
    from pg_constraint, unnest(conkey) with ordinality as part(attnum, ordinality)
    join pg_attribute using (attnum)
    where conrelid = format('posthaste.%I', name)::regclass and contype = 'p' and attrelid = conrelid;
    select array_agg(indexdef) into definitions
    from pg_indexes
    where schemaname = 'posthaste' and tablename = name and indexname <> name || '_pkey';

    for index_name in select indexname from pg_indexes where schemaname = 'posthaste' and tablename = name loop
      execute format('alter index posthaste.%I rename to %I', index_name, index_name || suffix);
    end loop;
    execute format('alter table posthaste.%I rename to %I', name, name || suffix);
    execute format(
      'create table posthaste.%I (like posthaste.%I including all excluding indexes) partition by range (batch_id)',
      name, name || suffix);
    execute format('alter table posthaste.%I add primary key (%s)', name, key);
    foreach definition in array coalesce(definitions, '{}') loop
      execute definition;
    end loop;
    execute format(
      'alter table posthaste.%I attach partition posthaste.%I for values from (minvalue) to (%L)',
      name, name || suffix, posthaste.first_batch_id(until));
  end loop;
end $$;

-- A batch whose request and result were dropped, by a caller or by age.
alter table posthaste.batches add column erased_at timestamptz;

-- Of batches before `erased_before`, none is left with its bodies.
create table posthaste.retention (
  retention_id boolean primary key default true check (retention_id),
  erased_before uuid not null
);
insert into posthaste.retention (erased_before) values ('00000000-0000-0000-0000-000000000000');

import { wakeDeliver } from './wake-ups.ts'

/** What a statement that ends batches returns of them: the CTE `finished`, which `afterEnd` goes on from. */
export const returningEnded = 'returning batch.batch_id, batch.destination, batch.awaited'

/**
 * What follows the end of batches (a CTE `finished`), in the statement that ends them: the delivery, its
 * wake-up, and word to whoever waits. The statement selects `afterEndCounts`, for a CTE that is only a
 * query runs when it is read.
 */
export const afterEnd = `pending as (
    insert into posthaste.deliveries (batch_id, destination)
    select batch_id, destination from finished where destination is not null),
  woken as (
    select ${wakeDeliver('destination')} from (
      select distinct destination from finished where destination is not null order by 1) due),
  told as (select pg_notify('posthaste_finished', batch_id::text) from finished where awaited)`

export const afterEndCounts = '(select count(*) from woken), (select count(*) from told)'

/** The statements that reach over environments on purpose: what each begins with, and why it may. Everything else keeps to one. */
export const ACROSS_ENVIRONMENTS: readonly (readonly [beginning: RegExp, why: string])[] = [
  [
    /^SELECT key\.id.* FROM api_key AS key .* WHERE key\.hash = /,
    'finds whose key it is, which decides the environment',
  ],
  [/^UPDATE operation SET recover_at = /, 'claims due work: each row goes on with its own environment'],
  [/^WITH due AS \( SELECT payment\.environment_id, payment\.id, /, 'claims due work'],
  [/^WITH due AS \( SELECT delivery\.environment_id, delivery\.id FROM /, 'claims due work'],
  [/^WITH unwanted AS \( SELECT delivery\.environment_id, /, 'ends deliveries of endpoints that have ended'],
  [/^UPDATE processor_notification SET next_at = .* WHERE \(environment_id, id\) IN /, 'claims due work'],
  [/^UPDATE reconciliation SET status = 'RUNNING', /, 'claims due work'],
  [
    /^SELECT environment_id, processor, id AS processor_account_id FROM processor_account /,
    'plans the day of every place',
  ],
  [/^DELETE FROM idempotency_key WHERE \(environment_id, /, 'deletes what is old'],
  [/^DELETE FROM processor_notification WHERE \(environment_id, id\) IN /, 'deletes what is old'],
  [/^DELETE FROM webhook_delivery WHERE \(environment_id, id\) IN /, 'deletes what is old'],
  [/^DELETE FROM webhook_endpoint AS endpoint /, 'deletes what is old'],
  [
    /^SELECT payment_event\.epoch >= \$4 .* AS hidden, .* FROM payment_event /,
    'the one reader of a process: each subscriber takes its own environment’s',
  ],
  [
    /^SELECT epoch, order_xid, position FROM payment_event /,
    'the end of the log: a place in the order of all commits, and nothing of what is there',
  ],
  [
    /^SELECT count\(\*\)::int AS count FROM processor_account WHERE credentials_key_id /,
    'counts for the operator what cannot be opened after a change of the secret',
  ],
  [
    /^(UPDATE|WITH due AS \( SELECT merchant, id, .*) sandbox_(charge|movement) .*next_at <= now\(\)/,
    'the sandbox’s own clock: it is another party',
  ],
  [/^UPDATE sandbox_(charge|movement) SET settled_at = settles_at/, 'the sandbox’s own clock'],
  [
    /^SELECT merchant, key, xmin::text AS version FROM sandbox_charge WHERE notify /,
    'what the sandbox is to tell: with whom it is about',
  ],
  [
    /^SELECT .* FROM sandbox_charge WHERE id = \$1$/,
    'the sandbox’s page for 3-D Secure, which has nothing but the id of a charge',
  ],
  [
    /^SELECT kind, status, processor, count.* FROM operation /,
    'the operator’s metrics count for the whole installation',
  ],
  [/^SELECT count\(\*\)::int AS count, .* FROM operation /, 'the operator’s metrics'],
  [/^SELECT 'operations' AS work, /, 'the operator’s metrics'],
  [/^SELECT coalesce\(.* FROM payment_event /, 'the operator’s metrics'],
];

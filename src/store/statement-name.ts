import { createHash } from 'node:crypto';

/** By text. There are some hundred: the code's own, each with its page sizes. */
const names = new Map<string, string>();
const NAMES_MAX = 2_000;

/** A name that stands for one text, so that PostgreSQL plans it once per connection. */
export function statementName(sql: string): string {
  let name = names.get(sql);
  if (name === undefined) {
    name = createHash('sha1').update(sql).digest('base64url');
    if (names.size < NAMES_MAX) names.set(sql, name);
  }
  return name;
}

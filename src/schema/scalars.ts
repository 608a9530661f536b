import { GraphQLDateTimeISO, GraphQLJSONObject, GraphQLSafeInt } from 'graphql-scalars';
import { builder } from './builder.ts';
import { isoTime } from './iso-time.ts';

builder.addScalarType('DateTime', GraphQLDateTimeISO, {
  description: 'A moment in ISO 8601, in UTC: 2026-11-21T09:30:00.000Z.',
  serialize: told,
});

builder.addScalarType('JSONObject', GraphQLJSONObject, { description: 'A JSON object.' });

builder.addScalarType('SafeInt', GraphQLSafeInt, {
  description: 'A whole number from −(2^53 − 1) to 2^53 − 1, sent as a JSON number.',
});

builder.scalarType('Currency', {
  description: 'A currency by its ISO 4217 code. It is read in either case and told in capitals: "EUR".',
  serialize: (code) => code,
  parseValue: (code) => {
    if (typeof code !== 'string') throw new TypeError('A currency is a text of three letters.');
    return code;
  },
});

/** Pothos' types have what is told be what resolvers give, which of a moment is a text for a Date. */
function told(value: unknown): Date {
  return (value instanceof Date ? isoTime(value) : GraphQLDateTimeISO.coerceOutputValue(value)) as unknown as Date;
}

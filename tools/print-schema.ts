import { lexicographicSortSchema, printSchema } from 'graphql';
import { buildSchema } from '../src/schema/schema.ts';

/** The schema as schema.graphql has it: with every description, in the order of the alphabet. */
export function printedSchema(): string {
  return `${printSchema(lexicographicSortSchema(buildSchema()))}\n`;
}

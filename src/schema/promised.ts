/** A row that a foreign key promises. */
export async function promised<T>(row: T | null | Promise<T | null>): Promise<T> {
  const found = await row;
  if (found === null) throw new Error('a foreign key leads nowhere');
  return found;
}

/** Makes a text a literal of SQL. Only for texts that are in the code or made by it. */
export const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** Literals of SQL, as they stand in a list. */
export const literals = (texts: readonly string[]) => texts.map(literal).join(', ');

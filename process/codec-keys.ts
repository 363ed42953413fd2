import { z } from 'zod';

/** Room for a date, a version, a name; nothing that would have to be escaped anywhere. */
const ENTRY = /^([A-Za-z0-9._-]{1,64}):([A-Za-z0-9+/]+={0,2})$/;

/** `id:base64,id:base64`: the keys of the payload codec; the first encrypts, all decrypt. */
export const codecKeys = z.string().transform((value, context) => {
  const problem = (message: string) => void context.addIssue({ code: 'custom', message });
  const keys = value.split(',').map((entry, index) => {
    const [, id = '', base64 = ''] = ENTRY.exec(entry.trim()) ?? [];
    const key = Buffer.from(base64, 'base64');
    // What does not look like an entry may be a key without its id, so it is not repeated.
    if (!id)
      problem(`entry ${index + 1} must be id:base64, the id of letters, digits, dot, dash, underscore`);
    else if (key.length !== 32) {
      problem(`key "${id}" must be base64 of 32 bytes; make one with: openssl rand -base64 32`);
    }
    return { id, key };
  });
  const ids = keys.map(({ id }) => id).filter((id) => id !== '');
  for (const id of new Set(ids.filter((other, index) => ids.indexOf(other) !== index))) {
    problem(`has the id "${id}" twice`);
  }
  return keys;
});

import { cpSync } from 'node:fs';

// Run by `npm run build`: what the compiled code reads beside itself and the compiler does not copy.
cpSync('database/migrations', 'dist/database/migrations', { recursive: true });

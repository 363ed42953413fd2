import { cpSync, rmSync } from 'node:fs';

// Run by `npm run build`: what the compiled code reads beside itself and the compiler does not copy. Nothing of an older build may stay.
rmSync('dist/database/migrations', { recursive: true, force: true });
cpSync('database/migrations', 'dist/database/migrations', { recursive: true });

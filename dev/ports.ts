import { createServer } from 'node:net';

/** A port to listen on, and whether it is the one that was asked for. */
export interface Port {
  port: number;
  preferred: boolean;
}

// Two free ports asked for in the same breath must differ, although neither is listened on yet.
const handedOut = new Set<number>();

/** Listens on the loopback port for a moment; 0 lets the system choose. Resolves to the port, or to undefined when it is taken. */
function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      // EACCES: a port below 1024, or one that Windows or macOS keeps for itself.
      error.code === 'EADDRINUSE' || error.code === 'EACCES' ? resolve(undefined) : reject(error),
    );
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}

/** A free loopback port chosen by the operating system, never the same one twice in a process. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await tryPort(0);
    if (port === undefined || handedOut.has(port)) continue;
    handedOut.add(port);
    return port;
  }
}

/** The preferred loopback port when nobody listens on it, otherwise (or for 0) a free one; the caller says so to its user. */
export async function preferredOrFreePort(preferred: number): Promise<Port> {
  if (preferred !== 0 && !handedOut.has(preferred) && (await tryPort(preferred)) !== undefined) {
    handedOut.add(preferred);
    return { port: preferred, preferred: true };
  }
  return { port: await freePort(), preferred: false };
}

/** Gives a port back, so that a stack started again in the same process can have its preferred ports. */
export function releasePort(port: number): void {
  handedOut.delete(port);
}

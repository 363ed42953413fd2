import type { Logger } from './logger.ts';

/**
 * Runs `stop` once, at the first SIGTERM or SIGINT; a second signal ends the process at once.
 * @param timeoutMs after this long the process ends with exit code 1 whatever is still open.
 */
export function onShutdown(log: Logger, stop: () => Promise<void>, timeoutMs = 30_000): void {
  let stopping = false;
  const handle = (signal: NodeJS.Signals) => {
    if (stopping) {
      log.warn({ signal }, 'second signal: ending at once');
      process.exit(1);
    }
    stopping = true;
    log.info({ signal }, 'shutting down');
    setTimeout(() => {
      log.error({ timeoutMs }, 'shutdown takes too long: ending at once');
      process.exit(1);
    }, timeoutMs).unref();
    stop().then(
      () => {
        log.info('bye');
        process.exit(0);
      },
      (error: unknown) => {
        log.error({ err: error }, 'shutdown failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', handle);
  process.on('SIGINT', handle);
}

import type { Setting } from './settings.ts';

/** Something that a client does, and that must work. Steps of one client run one after the other and build on each other. */
export type Step = () => Promise<void>;

/** A client at work for one merchant. */
export interface ClientRun {
  steps: Record<string, Step>;
  close(): Promise<void>;
}

/** A client from the npm registry. */
export interface NpmClient {
  sdk: string;
  start(setting: Setting): Promise<ClientRun>;
}

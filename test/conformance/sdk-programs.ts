import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Part, Program } from './plan.ts';
import { type Outcome, parseOutcome } from './report.ts';
import type { Gateway } from './settings.ts';
import { type Ended, execute, isOnPath, lastLines, unreachable } from './toolchain.ts';

const DOWNLOAD_MS = 75_000;
const PART_MS = 45_000;

/** A command that plays the parts: `<mode> <role> <folder>` are added to it. */
export type Player = readonly [command: string, ...parameters: string[]];

/** A program that is ready, was skipped for a reason, or does not build. */
export type Prepared = { player: Player } | { skipped: string } | { broken: string };

/** A program in another language. */
interface SdkProgram {
  tools: readonly string[];
  prepare(folder: string, remainingMs: () => number): Promise<Prepared>;
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The programs for the official SDKs. */
export const SDK_PROGRAMS: Record<Exclude<Program, 'npm'>, SdkProgram> = {
  go: {
    tools: ['go'],
    async prepare(folder, remainingMs) {
      const cwd = here('./go');
      // The toolchain that is there has to do: go.mod asks for an old one.
      const env = { GOTOOLCHAIN: 'local' };
      const download = await execute('go', ['mod', 'download'], {
        cwd,
        env,
        timeoutMs: Math.min(DOWNLOAD_MS, remainingMs()),
      });
      if (download.code !== 0) return notDownloaded(download);
      const binary = join(folder, 'go-client');
      const build = await execute('go', ['build', '-mod=readonly', '-buildvcs=false', '-o', binary, '.'], {
        cwd,
        env: { ...env, GOPROXY: 'off' },
        timeoutMs: remainingMs(),
      });
      return build.code === 0 ? { player: [binary] } : { broken: lastLines(build) };
    },
  },
  java: {
    tools: ['mvn', 'javac', 'java'],
    async prepare(folder, remainingMs) {
      const cwd = here('./java');
      const list = join(folder, 'classpath');
      const download = await execute(
        'mvn',
        [
          '-q',
          '-B',
          'org.apache.maven.plugins:maven-dependency-plugin:build-classpath',
          `-Dmdep.outputFile=${list}`,
        ],
        { cwd, timeoutMs: Math.min(DOWNLOAD_MS, remainingMs()) },
      );
      if (download.code !== 0) return notDownloaded(download);
      const jars = (await readFile(list, 'utf8')).trim();
      const classes = join(folder, 'java-classes');
      await mkdir(classes);
      const sources = [
        '-sourcepath',
        join(cwd, 'src/main/java'),
        join(cwd, 'src/main/java/conformance/Main.java'),
      ];
      const build = await execute(
        'javac',
        ['-encoding', 'UTF-8', '--release', '17', '-d', classes, '-cp', jars, ...sources],
        { cwd, timeoutMs: remainingMs() },
      );
      if (build.code !== 0) return { broken: lastLines(build) };
      return { player: ['java', '-Dfile.encoding=UTF-8', '-cp', `${classes}:${jars}`, 'conformance.Main'] };
    },
  },
};

/** Builds a program, unless its tools are missing or what it needs cannot be downloaded. */
export async function prepare(
  program: Exclude<Program, 'npm'>,
  folder: string,
  remainingMs: () => number,
): Promise<Prepared> {
  const { tools, prepare: build } = SDK_PROGRAMS[program];
  const missing = tools.filter((tool) => !isOnPath(tool));
  if (missing.length) return { skipped: `no ${missing.join(', ')} on the PATH` };
  return build(folder, remainingMs);
}

function notDownloaded(download: Ended): Prepared {
  const reason = unreachable(download);
  if (reason) return { skipped: `cannot download the dependencies: ${reason}` };
  return { broken: lastLines(download) };
}

/** Plays a part. @returns why it could not be played to its end, if so. */
export async function play(
  player: Player,
  gateway: Gateway,
  { mode, role, merchant }: Part,
  onOutcome: (outcome: Outcome) => void,
  remainingMs: () => number,
): Promise<string | undefined> {
  const [command, ...parameters] = player;
  const ended = await execute(command, [...parameters, mode, role, gateway.folder(merchant, role)], {
    timeoutMs: Math.min(PART_MS, remainingMs()),
    onLine: (line) => {
      const outcome = parseOutcome(line);
      if (outcome) onOutcome(outcome);
    },
  });
  return ended.code === 0 ? undefined : lastLines(ended);
}

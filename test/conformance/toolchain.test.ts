import assert from 'node:assert/strict';
import { execute, isOnPath, lastLines, unreachable } from './toolchain.ts';

const MINUTE_MS = 60_000;

describe('the toolchains of a conformance run', () => {
  it('a command that is there is on the PATH, another one is not', () => {
    assert.equal(isOnPath('sh'), true);
    assert.equal(isOnPath('no-such-command'), false);
  });

  it('a command is run to its end, and its lines are seen', async () => {
    const lines: string[] = [];
    const ended = await execute('sh', ['-c', 'echo one; echo two; echo three >&2; exit 3'], {
      timeoutMs: MINUTE_MS,
      onLine: (line) => lines.push(line),
    });
    assert.equal(ended.code, 3);
    assert.deepEqual(lines, ['one', 'two']);
    assert.match(lastLines(ended), /^exit status 3\n(?:.*\n)*three/);
  });

  it('a command whose time is over is stopped together with its children', async () => {
    const ended = await execute('sh', ['-c', 'tail -f /dev/null & wait'], { timeoutMs: 10 });
    assert.equal(ended.code, null);
    assert.match(lastLines(ended), /took too long/);
  });

  for (const output of [
    'go: github.com/a/b@v1: Get "https://proxy.golang.org/": dial tcp: lookup proxy.golang.org: no such host',
    'go: github.com/a/b@v1: reading https://proxy.golang.org/github.com/a/b/@v/v1.zip: 503 Service Unavailable',
    'go: github.com/a/b@v1: module lookup disabled by GOPROXY=off',
    '[ERROR] Could not transfer artifact a:b:pom:1 from/to central (https://repo.maven.apache.org/maven2)',
    '[ERROR] Cannot access central (https://repo.maven.apache.org/maven2) in offline mode',
  ]) {
    it(`cannot be downloaded: ${output.slice(0, 60)}…`, () => {
      assert.equal(unreachable({ code: 1, output: `first\n${output}\nlast` }), output);
    });
  }

  for (const output of [
    'go: verifying github.com/a/b@v1: checksum mismatch',
    'go: errors parsing go.mod',
    '[ERROR] Could not find artifact a:b:jar:1 in central (https://repo.maven.apache.org/maven2)',
    '[ERROR] Non-parseable POM pom.xml',
  ]) {
    it(`is a failure: ${output.slice(0, 60)}`, () => {
      assert.equal(unreachable({ code: 1, output }), undefined);
    });
  }
});

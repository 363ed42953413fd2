import assert from 'node:assert/strict';
import { beyondTaskFailures } from '../../../api/task-failure.ts';

/** As the Temporal server and its client say it, version 1.28 and later. */
const lost = () =>
  Object.assign(new Error('9 FAILED_PRECONDITION: Update-with-Start could not be executed.'), { code: 9 });
const named = () =>
  new Error('Unable to perform workflow execution update due to unexpected workflow task failure.', {
    cause: lost(),
  });

describe('an update whose answer is lost to a failed workflow task', () => {
  for (const [what, failure] of [
    ['its reason', named],
    ['its status', lost],
  ] as const) {
    it(`is sent again, known by ${what}`, async () => {
      let sent = 0;
      const answer = await beyondTaskFailures(async () => {
        sent += 1;
        if (sent < 3) throw failure();
        return 'answer';
      });
      assert.deepEqual([answer, sent], ['answer', 3]);
    });
  }

  it('is given up when that goes on, and at once for any other failure', async () => {
    let sent = 0;
    const fail = (error: Error) => () => {
      sent += 1;
      return Promise.reject(error);
    };
    await assert.rejects(beyondTaskFailures(fail(named())), /unexpected workflow task failure/);
    assert.equal(sent, 4);
    await assert.rejects(beyondTaskFailures(fail(new Error('14 UNAVAILABLE'))), /UNAVAILABLE/);
    assert.equal(sent, 5);
  });
});

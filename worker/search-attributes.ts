import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionLike } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../workflows/start.ts';

/** `INDEXED_VALUE_TYPE_KEYWORD` of Temporal's API. */
const KEYWORD = 2;
/** gRPC status of a query that names an unknown search attribute. */
const INVALID_ARGUMENT = 3;

/** The names of our own search attributes. */
export const SEARCH_ATTRIBUTE_NAMES = SEARCH_ATTRIBUTES.map(({ name }) => name);

/**
 * Makes the namespace know search attributes, all of type Keyword; those it knows already are left alone. Returns when workflows that carry them
 * can be started: the frontend remembers the old list for a while, and would refuse them.
 * @param names default: our own.
 * @returns the names that were added.
 */
export async function registerSearchAttributes(
  { operatorService, workflowService }: Pick<ConnectionLike, 'operatorService' | 'workflowService'>,
  namespace: string,
  names: readonly string[] = SEARCH_ATTRIBUTE_NAMES,
): Promise<string[]> {
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const missing = names.filter((name) => !(name in customAttributes));
  if (missing.length === 0) return [];
  await operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map((name) => [name, KEYWORD])),
  });
  const query = names.map((name) => `${name} = 'x'`).join(' OR ');
  for (;;) {
    try {
      await workflowService.listWorkflowExecutions({ namespace, pageSize: 1, query });
      return missing;
    } catch (error) {
      if ((error as { code?: number }).code !== INVALID_ARGUMENT) throw error;
      await sleep(200);
    }
  }
}

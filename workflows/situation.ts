import type { SearchAttributePair } from '@temporalio/common';
import { setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import { credentials } from './messages.ts';
import { ATTENTION } from './start.ts';

/** What the Temporal UI shows of a saga. */
export interface Situation {
  /** @param paragraph what is being waited for, and until when. */
  waits(paragraph: string): void;
  /** A person is needed. @param paragraph why, and what she may do. */
  asks(paragraph: string): void;
  /** The gateway has answered: it takes the credentials. */
  answered(): void;
  /** It has another status, by the gateway's word. @param asks whether a person is needed in it. */
  becomes(status: SearchAttributePair, paragraph: string, options?: { asks: boolean }): void;
}

/**
 * Opens the one place that tells people where a saga stands: current details, and the search attribute for those that need a person. A step
 * that the gateway refuses because of the merchant's credentials says so by a signal, as it goes on trying meanwhile.
 */
export function openSituation(): Situation {
  let paragraph = '';
  /** Waits for an operator's decision, or has waited. */
  let asked = false;
  let refusal: string | undefined;

  setHandler(
    credentials,
    (news) => {
      if (typeof news?.refused !== 'string') return answered();
      if (refusal === undefined && !asked) attention('needs_operator');
      refusal = news.refused;
      show();
    },
    { description: "A step says that WeChat Pay refuses, or takes again, the merchant's credentials." },
  );

  function show(): void {
    setCurrentDetails(
      refusal === undefined
        ? paragraph
        : `Needs an operator: WeChat Pay refuses the merchant's credentials (${refusal}). Mend them with \`paysaga merchant upsert\`. The step then goes on by itself, within five minutes; the update \`retryStep\` repeats it at once. What it is about: ${paragraph}`,
    );
  }

  function attention(value: 'needs_operator' | null): void {
    upsertSearchAttributes([{ key: ATTENTION, value }]);
  }

  function waits(text: string): void {
    paragraph = text;
    show();
  }

  function answered(): void {
    if (refusal === undefined) return;
    refusal = undefined;
    if (!asked) attention(null);
    show();
  }

  return {
    waits,
    answered,
    asks(text) {
      asked = true;
      attention('needs_operator');
      waits(text);
    },
    becomes(status, text, { asks } = { asks: false }) {
      const shown = asked || refusal !== undefined;
      upsertSearchAttributes([
        status,
        ...(asks ? [{ key: ATTENTION, value: 'needs_operator' }] : []),
        ...(!asks && shown ? [{ key: ATTENTION, value: null }] : []),
      ]);
      asked = asks;
      refusal = undefined;
      waits(text);
    },
  };
}

// The news panel: fills the list with what is known, then adds what comes in, until it is stopped.

import { ArticleList } from './articles.js';
import { Backoff } from './backoff.js';
import { byId, element, setText } from './dom.js';
import { describeGap } from './gap.js';
import { PanelNote } from './note.js';
import { explain, nobodySignedIn, unreachable } from './refusal.js';
import { session } from './session.js';
import { ResumingStream } from './stream.js';
import { parseSymbol } from './symbols.js';

const WORDS = { connecting: 'Connecting…', live: 'Live', reconnecting: 'Reconnecting…', stopped: 'Stopped' };
const IDLE_TEXT = '* follows all symbols. Headlines are written by others and open in a new tab.';
const START_TEXT = 'Press Start to see the latest articles and follow new ones.';

export class NewsPanel {
  #articles = new ArticleList();
  #note = new PanelNote(byId('news-note'), IDLE_TEXT);
  #state = byId('news-state');
  #input = byId('news-symbol');
  #stop = byId('news-stop');
  #backoff = new Backoff();
  #symbol;
  // Aborted when the reader stops or starts anew; tells late answers that nobody wants them.
  #run;
  #suspended = false;
  #stream = new ResumingStream({
    on: { news: (article) => this.#articles.put(article, true) },
    onGap: (gap) => this.#gap(gap),
    onState: (state) => this.#show(state),
    onTrouble: (trouble) => this.#note.trouble(trouble, () => this.#stream.resume()),
  });

  constructor() {
    byId('news-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#start();
    });
    this.#stop.addEventListener('click', () => {
      this.stop();
      byId('news-start').focus();
    });
    this.#articles.clear(START_TEXT);
  }

  /**
   * Offers symbols to choose from.
   * @param {string[]} symbols
   */
  suggest(symbols) {
    byId('news-symbols').replaceChildren(...['*', ...symbols].map((value) => element('option', { value })));
  }

  stop() {
    this.#run?.abort();
    this.#stream.close();
    this.#show('stopped');
    this.#note.solved();
    if (this.#articles.size === 0) this.#articles.clear(START_TEXT);
  }

  /** Stops because the page is left. */
  suspend() {
    this.#suspended = this.#run?.signal.aborted === false;
    this.stop();
  }

  /** Goes on with what was suspended, where the browser brings the page back as it was. */
  resume() {
    if (this.#suspended) this.#start();
    this.#suspended = false;
  }

  #start() {
    const typed = this.#input.value.trim();
    const symbol = typed === '*' ? '*' : parseSymbol(typed);
    if (!symbol) return this.#complain();
    this.stop();
    this.#input.value = symbol;
    this.#input.removeAttribute('aria-invalid');
    this.#note.clear();
    if (symbol !== this.#symbol || this.#articles.size === 0) this.#articles.clear('Loading…');
    this.#symbol = symbol;
    this.#run = new AbortController();
    this.#backoff.reset();
    this.#show('connecting');
    this.#begin(this.#run.signal);
  }

  #complain() {
    this.#input.setAttribute('aria-invalid', 'true');
    this.#input.focus();
    this.#note.notice('That is not a symbol. Try TSLA, X:BTCUSD, or * for all news.');
  }

  async #begin(signal) {
    const position = await this.#fill(signal);
    if (!signal.aborted) this.#stream.open([`news:${this.#symbol}`], position);
  }

  // Loads the list, waiting for the server where waiting helps, and tells the position to go on from.
  async #fill(signal) {
    while (!signal.aborted) {
      const answer = await load(this.#symbol, signal);
      if (signal.aborted) break;
      if (answer.results) {
        this.#note.solved();
        this.#putAll(answer);
        if (this.#articles.size === 0) this.#articles.clear('No articles yet. New ones will appear here.');
        return answer.position;
      }
      if (!answer.trouble.willRetry) this.stop();
      this.#note.trouble(answer.trouble, () => this.#start());
      if (!signal.aborted) this.#show('reconnecting');
      await pause(this.#backoff.next(answer.trouble.retryAfterMs), signal);
    }
    return undefined;
  }

  // An answer is as new as the position it was asked at, so that it never covers what the stream brought later.
  #putAll({ results, position }) {
    for (const article of results) this.#articles.put({ position, ...article });
  }

  async #gap({ reason, snapshot }) {
    this.#note.notice(describeGap(reason));
    if (Array.isArray(snapshot)) snapshot.forEach((article) => this.#articles.put(article, true));
    // What the tape has lost the archive may still have; if not, the notice has said so.
    const { signal } = this.#run;
    const answer = await load(this.#symbol, signal);
    if (!signal.aborted && answer.results) this.#putAll(answer);
  }

  #show(state) {
    this.#state.dataset.state = state;
    setText(this.#state, WORDS[state]);
    this.#stop.disabled = state === 'stopped';
    if (state === 'live') this.#note.solved();
  }
}

async function load(symbol, signal) {
  const now = await session();
  if (now?.reads === false) return { trouble: nobodySignedIn(now.sign_in) };
  try {
    const response = await fetch(`/api/news/${encodeURIComponent(symbol)}`, { cache: 'no-store', signal });
    if (!response.ok) return { trouble: await explain(response) };
    const { results, position } = await response.json();
    return { results: Array.isArray(results) ? results : [], position };
  } catch {
    return { trouble: unreachable() };
  }
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

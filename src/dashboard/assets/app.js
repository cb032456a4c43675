// Starts the page and joins its parts: one stream feeds the watchlist and the header; the news panel has its own.

import { byId } from './dom.js';
import { describeGap } from './gap.js';
import { NewsPanel } from './news.js';
import { PanelNote } from './note.js';
import { forgetSession, showSession } from './session.js';
import { loadStatus, showConnection, showStatus } from './status.js';
import { ResumingStream } from './stream.js';
import { Watchlist } from './watchlist.js';

// Several changes in a row make one new stream: the server limits how often streams are opened.
const REOPEN_AFTER_MS = 500;
const PRICES = 'prices:';

const note = new PanelNote(byId('watchlist-note'), 'Every price says how old it is and where it comes from. Grey means: do not rely on it.');
const watchlist = new Watchlist(onListChange);
const news = new NewsPanel();
const prices = new ResumingStream({
  on: { price: (item) => watchlist.show(item), status: showAnyStatus },
  onGap: showGap,
  onState: showState,
  onTrouble: (trouble) => note.trouble(trouble, () => prices.resume()),
  onUnknown: (topic) => watchlist.showUnknown(topic.slice(PRICES.length)),
});
let reopenTimer;
let addedSinceOpen = false;

function topics() {
  return [...watchlist.knownSymbols.map((symbol) => PRICES + symbol), 'status'];
}

function onListChange(added) {
  news.suggest(watchlist.symbols);
  addedSinceOpen ||= added;
  reopenSoon();
}

function reopenSoon() {
  clearTimeout(reopenTimer);
  reopenTimer = setTimeout(() => {
    // A cursor would hide the latest price of a new symbol until its next tick; without it the server sends all latest.
    prices.open(topics(), addedSinceOpen ? undefined : prices.cursor);
    addedSinceOpen = false;
  }, REOPEN_AFTER_MS);
}

// What is said about one symbol is the affair of its row; the header is about all of them.
function showAnyStatus(status) {
  if (!status.symbol) return showStatus(status);
  // Asked for again, the whole stream would be refused.
  if (status.state === 'unknown_symbol' && watchlist.showUnknown(status.symbol)) reopenSoon();
}

function showState(state) {
  showConnection(state);
  watchlist.setState(state);
  if (state === 'live') note.solved();
}

function showGap({ reason, snapshot }) {
  note.notice(describeGap(reason));
  watchlist.breakCharts();
  if (!Array.isArray(snapshot)) return;
  for (const item of snapshot) {
    if (item?.state) showAnyStatus(item);
    else if (item?.symbol) watchlist.show(item);
  }
}

function leave() {
  prices.close();
  news.suspend();
}

window.addEventListener('pagehide', leave);
window.addEventListener('pageshow', (event) => {
  // The browser may put the page aside and bring it back as it was, with its streams closed.
  if (!event.persisted) return;
  prices.resume();
  news.resume();
  forgetSession();
  showSession(byId('session'));
});

news.suggest(watchlist.symbols);
showSession(byId('session'));
loadStatus();
prices.open(topics());

// A sparkline: bars of the recent past, then the ticks seen since. A hole in the stream is a hole in the line.

import { formatPrice } from './format.js';

const MAX_POINTS = 240;
const MAX_SEED_BARS = 60;
// Ticks within a second share a point, so that a busy symbol shows minutes and not moments.
const POINT_MS = 1_000;
const PADDING = 3;

const waiting = new Set();
let frame;

document.addEventListener('visibilitychange', schedule);

/**
 * Draws charts anew, after a change of size or colours.
 * @param {Iterable<Sparkline>} charts
 */
export function redrawAll(charts) {
  for (const chart of charts) waiting.add(chart);
  schedule();
}

function schedule() {
  // A hidden tab keeps its points and draws them when it is looked at.
  if (document.hidden || frame || waiting.size === 0) return;
  frame = requestAnimationFrame(() => {
    frame = undefined;
    for (const chart of waiting) chart.draw();
    waiting.clear();
  });
}

export class Sparkline {
  #canvas;
  #points = [];
  #lastTickMs = 0;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
  }

  /**
   * Puts history before the ticks.
   * @param {{c?: number, t?: number}[]} bars
   */
  seed(bars) {
    const closes = bars
      .filter((bar) => Number.isFinite(bar?.c))
      .sort((a, b) => (a.t ?? 0) - (b.t ?? 0))
      .slice(-MAX_SEED_BARS)
      .map((bar) => bar.c);
    this.#points.unshift(...closes);
    this.#changed();
  }

  /**
   * @param {number} price
   */
  tick(price) {
    const now = Date.now();
    const sharesPoint = now - this.#lastTickMs < POINT_MS && Number.isFinite(this.#points.at(-1));
    if (sharesPoint) this.#points[this.#points.length - 1] = price;
    else {
      this.#points.push(price);
      this.#lastTickMs = now;
    }
    this.#changed();
  }

  /** Leaves a hole: what was here is not known. */
  breakLine() {
    if (Number.isFinite(this.#points.at(-1))) this.#points.push(null);
  }

  /** Called by the frame; use `seed` and `tick`. */
  draw() {
    const context = this.#fit();
    const known = this.#points.filter(Number.isFinite);
    if (!context || known.length === 0) return;
    const { width, height } = context.canvas;
    const scale = window.devicePixelRatio || 1;
    const place = placing(this.#points.length, known, width, height, PADDING * scale);
    const color = getComputedStyle(this.#canvas).color;
    context.strokeStyle = color;
    context.fillStyle = color;
    context.lineWidth = 1.5 * scale;
    context.lineJoin = 'round';
    for (const run of runs(this.#points)) drawRun(context, run, place, height);
    drawEnd(context, place(this.#points.findLastIndex(Number.isFinite), known.at(-1)), 2 * scale);
    this.#canvas.setAttribute('aria-label', describe(known));
  }

  #changed() {
    if (this.#points.length > MAX_POINTS) this.#points.splice(0, this.#points.length - MAX_POINTS);
    waiting.add(this);
    schedule();
  }

  // Matches the bitmap to the screen's pixels and empties it.
  #fit() {
    const scale = window.devicePixelRatio || 1;
    const width = Math.round(this.#canvas.clientWidth * scale);
    const height = Math.round(this.#canvas.clientHeight * scale);
    if (width === 0 || height === 0) return undefined;
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    const context = this.#canvas.getContext('2d');
    context?.clearRect(0, 0, width, height);
    return context;
  }
}

function describe(known) {
  const [first, last, low, high] = [known[0], known.at(-1), Math.min(...known), Math.max(...known)].map(formatPrice);
  return `trend from ${first} to ${last}, low ${low}, high ${high}`;
}

function placing(count, known, width, height, padding) {
  const low = Math.min(...known);
  const high = Math.max(...known);
  const span = high - low;
  return (index, price) => [
    padding + (count < 2 ? 1 : index / (count - 1)) * (width - 2 * padding),
    // A flat line belongs in the middle.
    span === 0 ? height / 2 : height - padding - ((price - low) / span) * (height - 2 * padding),
  ];
}

// The stretches of known points, as [index, price] pairs.
function runs(points) {
  const found = [[]];
  points.forEach((price, index) => {
    if (Number.isFinite(price)) found.at(-1).push([index, price]);
    else found.push([]);
  });
  return found.filter((run) => run.length > 0);
}

function drawRun(context, run, place, height) {
  const path = new Path2D();
  run.forEach(([index, price]) => path.lineTo(...place(index, price)));
  context.stroke(path);
  const [firstX] = place(...run[0]);
  const [lastX] = place(...run.at(-1));
  path.lineTo(lastX, height);
  path.lineTo(firstX, height);
  path.closePath();
  context.globalAlpha = 0.1;
  context.fill(path);
  context.globalAlpha = 1;
}

function drawEnd(context, [x, y], radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

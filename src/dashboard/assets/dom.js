// Builds nodes and changes text. Strings become text nodes here and nowhere is markup parsed, so hostile text stays text.

/**
 * Makes an element.
 * @param {string} tag
 * @param {Record<string, string | undefined>} [attributes] left out where undefined
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/**
 * Sets text only where it differs: an unchanged write would still wake layout and live regions.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * The element with this id; the page is built around it, so its absence is a bug.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`the page has no #${id}`);
  return node;
}

const isNowhere = () => document.activeElement === null || document.activeElement === document.body;

/** When what had the focus is gone or disabled, the keyboard goes on at the page's heading, not at the top of the frame. */
export function keepFocus(): void {
  if (isNowhere()) document.querySelector<HTMLElement>('h1[tabindex]')?.focus({ preventScroll: true });
}

// What comes in its place may take the focus itself: a dialog's field, the next step's.
const PATIENCE_MS = 120;
const PLACES = 'dialog[open], .card, main';

const isGone = (element: Element) => !element.isConnected || element.matches(':disabled');

/** The heading of the nearest thing around it that is still there. */
function headingNear(ancestors: Element[]): HTMLElement | null {
  for (const place of [...ancestors, document.querySelector('dialog[open]'), document.querySelector('main')]) {
    const heading = place?.isConnected && place.matches(PLACES) ? place.querySelector<HTMLElement>('h1, h2, h3') : null;
    if (heading) return heading;
  }
  return null;
}

/**
 * A button that goes away when it was pressed, or is disabled by what it did, takes the keyboard's place in
 * the page with it; then the focus goes to the heading of what it stood in. Call once, for the whole page.
 */
export function watchFocus(): void {
  let last: HTMLElement | null = null;
  let ancestors: Element[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  document.addEventListener('focusin', ({ target }) => {
    if (!(target instanceof HTMLElement)) return;
    last = target;
    ancestors = [];
    for (let one = target.parentElement; one; one = one.parentElement) ancestors.push(one);
  });
  // A click beside everything takes the focus away on purpose. Of what goes away it is known only a moment later.
  document.addEventListener('focusout', ({ target }) => setTimeout(() => {
    if (target === last && last && !isGone(last) && isNowhere()) last = null;
  }));

  const place = () => {
    if (!last || !isGone(last) || !isNowhere()) return;
    const heading = headingNear(ancestors);
    if (!heading) return;  // not yet: what is drawn next asks again
    if (!heading.hasAttribute('tabindex')) heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  };
  new MutationObserver(() => {
    // What is disabled keeps the focus until the next frame.
    if (!last || !isGone(last)) return;
    clearTimeout(timer);
    timer = setTimeout(place, PATIENCE_MS);
  }).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ['disabled'] });
}

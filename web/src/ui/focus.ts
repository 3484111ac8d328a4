/** When what had the focus is gone or disabled, the keyboard goes on at the page's heading, not at the top of the frame. */
export function keepFocus(): void {
  const { activeElement } = document;
  if (activeElement === null || activeElement === document.body) document.querySelector<HTMLElement>('h1[tabindex]')?.focus({ preventScroll: true });
}

import { useEffect } from 'react';
import { useBranding } from '../api/queries';

/** The operator's logo or, without one, our mark; and the name. */
export function Brand() {
  const { name, logoUrl, accent } = useBranding();
  useEffect(() => {
    // The style sheets make the other colours from an accent that is not ours (tokens.css).
    document.documentElement.toggleAttribute('data-accent', accent !== null);
    const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    if (!icon || !logoUrl) return;
    icon.removeAttribute('type');
    icon.href = logoUrl;
  }, [accent, logoUrl]);
  return (
    <span className="brand">
      {logoUrl
        ? <img src={logoUrl} alt="" className="brand-logo" />
        : (
          <svg className="brand-mark" viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
            <rect width="32" height="32" rx="8" fill="var(--accent)" />
            <path d="M9 23 11.5 9M15 23 17.5 9M21 23 23.5 9" stroke="var(--on-accent)" strokeWidth="3" strokeLinecap="round" />
          </svg>
        )}
      <span className="brand-name">{name}</span>
    </span>
  );
}

import type { ButtonHTMLAttributes, ReactNode } from 'react';
import { Link } from 'wouter';
import { classes } from './class_names';

type Look = { variant?: 'primary' | 'secondary' | 'ghost' | 'danger' | 'link'; size?: 'small' | 'medium' | 'large'; wide?: boolean; iconOnly?: boolean };

const look = ({ variant = 'secondary', size = 'medium', wide, iconOnly }: Look) => classes(
  'button', variant !== 'secondary' && `button-${variant}`, size !== 'medium' && `button-${size}`,
  wide && 'button-wide', iconOnly && 'button-icon');

type ButtonProps = Look & ButtonHTMLAttributes<HTMLButtonElement> & { busy?: boolean };

/** A button. `busy` shows that its action runs, and takes no second click. `iconOnly` needs an aria-label. */
export function Button({ variant, size, wide, iconOnly, busy, children, disabled, type = 'button', className, onClick, ...rest }: ButtonProps) {
  return (
    <button {...rest} type={type} className={classes(look({ variant, size, wide, iconOnly }), className)} disabled={disabled}
      aria-disabled={busy || undefined} aria-busy={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : onClick}>
      {busy && <span className="spinner" aria-hidden="true" />}
      {!(busy && iconOnly) && children}
    </button>
  );
}

/** A link that looks like a button; `href` is inside the app. */
export function ButtonLink({ href, variant, size, wide, children, ...rest }: Look & { href: string; children: ReactNode; 'aria-label'?: string }) {
  return <Link href={href} className={look({ variant, size, wide })} {...rest}>{children}</Link>;
}

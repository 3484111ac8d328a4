// Inline icons: 16 px grid, one stroke. They are decoration: the word is beside them or in aria-label.

import type { ReactNode } from 'react';

function icon(name: string, paths: ReactNode) {
  const Icon = ({ size = 16 }: { size?: number }) => (
    <svg width={size} height={size} viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.5"
      strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      {paths}
    </svg>
  );
  Icon.displayName = `Icon${name}`;
  return Icon;
}

export const IconAgent = icon('Agent', <><rect x="2.5" y="4.5" width="11" height="8" rx="2" /><path d="M8 2v2.5M6 8v1M10 8v1M.8 8v2M15.2 8v2" /></>);
export const IconApproval = icon('Approval', <><path d="M8 1.8 13.5 4v4c0 3.2-2.3 5.3-5.5 6.4C4.8 13.3 2.5 11.2 2.5 8V4z" /><path d="m5.7 7.9 1.7 1.7 3-3.1" /></>);
export const IconAudit = icon('Audit', <><path d="M3 2.500h7l3 3v8H3z" /><path d="M5.5 7h5M5.5 9.500h5M5.5 12h3" /></>);
export const IconTeam = icon('Team', <><circle cx="6" cy="5.5" r="2.5" /><path d="M1.5 13.500c0-2.5 2-4 4.5-4s4.5 1.5 4.5 4M10.5 3.200a2.5 2.5 0 0 1 0 4.600M12 9.800c1.6.5 2.5 1.8 2.5 3.7" /></>);
export const IconKey = icon('Key', <><circle cx="5" cy="11" r="3" /><path d="m7.2 8.8 6-6M11 5l2 2M9.3 6.700l1.2 1.2" /></>);
export const IconCard = icon('Card', <><rect x="1.5" y="3.5" width="13" height="9" rx="1.5" /><path d="M1.5 6.500h13M4 10h2.5" /></>);
export const IconShield = icon('Shield', <path d="M8 1.8 13.5 4v4c0 3.2-2.3 5.3-5.5 6.400C4.8 13.3 2.5 11.2 2.5 8V4z" />);
export const IconOperator = icon('Operator', <><rect x="2" y="2.5" width="12" height="4.5" rx="1" /><rect x="2" y="9" width="12" height="4.5" rx="1" /><path d="M4.5 4.800h.01M4.5 11.300h.01" /></>);
export const IconSearch = icon('Search', <><circle cx="7" cy="7" r="4.5" /><path d="m10.5 10.5 3.5 3.5" /></>);
export const IconPlus = icon('Plus', <path d="M8 3v10M3 8h10" />);
export const IconCheck = icon('Check', <path d="m3 8.5 3.5 3.500L13 4.5" />);
export const IconCross = icon('Cross', <path d="m4 4 8 8M12 4l-8 8" />);
export const IconChevronDown = icon('ChevronDown', <path d="m4 6 4 4 4-4" />);
export const IconChevronRight = icon('ChevronRight', <path d="m6 4 4 4-4 4" />);
export const IconChevronLeft = icon('ChevronLeft', <path d="m10 4-4 4 4 4" />);
export const IconArrowUp = icon('ArrowUp', <path d="M8 13V3M4 7l4-4 4 4" />);
export const IconArrowRight = icon('ArrowRight', <path d="M3 8h10M9 4l4 4-4 4" />);
export const IconCopy = icon('Copy', <><rect x="5.5" y="5.5" width="8" height="8" rx="1.5" /><path d="M10.5 5.500v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2" /></>);
export const IconDownload = icon('Download', <path d="M8 2.500v8M4.5 7 8 10.5 11.5 7M2.5 13.500h11" />);
export const IconSun = icon('Sun', <><circle cx="8" cy="8" r="3" /><path d="M8 1v1.500M8 13.500V15M1 8h1.500M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1" /></>);
export const IconMoon = icon('Moon', <path d="M13.5 9.500A6 6 0 0 1 6.5 2.500a6 6 0 1 0 7 7z" />);
export const IconScreen = icon('Screen', <><rect x="1.5" y="2.5" width="13" height="9" rx="1.5" /><path d="M5.5 14h5" /></>);
export const IconMenu = icon('Menu', <path d="M2 4.500h12M2 8h12M2 11.500h12" />);
export const IconMore = icon('More', <path d="M3.5 8h.01M8 8h.01M12.5 8h.01" strokeWidth="2.5" />);
export const IconWarn = icon('Warn', <><path d="M8 2 14.5 13.500h-13z" /><path d="M8 6.500v3M8 11.500h.01" /></>);
export const IconInfo = icon('Info', <><circle cx="8" cy="8" r="6" /><path d="M8 7.500v3.500M8 5h.01" /></>);
export const IconPlay = icon('Play', <path d="M4.5 2.500v11l9-5.500z" />);
export const IconStop = icon('Stop', <rect x="3.5" y="3.5" width="9" height="9" rx="1" />);
export const IconRestart = icon('Restart', <><path d="M13 8a5 5 0 1 1-1.5-3.600L13 6" /><path d="M13 2.500V6H9.5" /></>);
export const IconTrash = icon('Trash', <path d="M2.5 4h11M6 4V2.500h4V4M4 4l.7 9.500h6.600L12 4M6.7 6.800v4M9.3 6.800v4" />);
export const IconEdit = icon('Edit', <path d="M10.5 2.5 13.5 5.5 5.5 13.500H2.500V10.500z" />);
export const IconExternal = icon('External', <path d="M6 3H3v10h10v-3M9 2.500h4.500V7M13.5 2.5 7.5 8.5" />);
export const IconSettings = icon('Settings', <><path d="M2 4.500h7M13 4.500h1M2 11.500h1M7 11.500h7" /><circle cx="11" cy="4.5" r="1.8" /><circle cx="5" cy="11.5" r="1.8" /></>);
export const IconActivity = icon('Activity', <path d="M1.5 8H4l2.5-5.5 3 11L12 8h2.5" />);
export const IconOutput = icon('Output', <><rect x="1.5" y="2.5" width="13" height="11" rx="1.5" /><path d="m4.5 6 2 2-2 2M8.5 10.500H11" /></>);
export const IconSignOut = icon('SignOut', <path d="M6 2.500H3v11h3M10 5l3 3-3 3M13 8H6.5" />);
export const IconMail = icon('Mail', <><rect x="1.5" y="3.5" width="13" height="9" rx="1.5" /><path d="m2 4.5 6 4.5 6-4.5" /></>);
export const IconChat = icon('Chat', <path d="M2.5 3h11v8H8l-3 2.800V11H2.500z" />);
export const IconEye = icon('Eye', <><path d="M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8z" /><circle cx="8" cy="8" r="1.8" /></>);
export const IconClock = icon('Clock', <><circle cx="8" cy="8" r="6" /><path d="M8 4.500V8l2.5 1.5" /></>);
export const IconDollar = icon('Dollar', <path d="M8 1.500v13M11 4.500C10.5 3.6 9.4 3 8 3 6.3 3 5 3.9 5 5.3 5 8.5 11.2 7 11.2 10.5 11.2 12 9.8 13 8 13c-1.6 0-2.8-.7-3.3-1.7" />);

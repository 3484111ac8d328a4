import './ui/index.css';
import { applyTheme, storedTheme } from './app/theme';

applyTheme(storedTheme());

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/app';
import { watchFocus } from './ui/focus';

watchFocus();

const root = document.getElementById('root');
if (root) createRoot(root).render(<StrictMode><App /></StrictMode>);

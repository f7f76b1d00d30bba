// The browser's side of the README's example, as a bundler meets it.
import { createRoot } from 'react-dom/client';
import { Chat } from './chat.js';

const root = document.getElementById('root');
if (root !== null) createRoot(root).render(<Chat />);

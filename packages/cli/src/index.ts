// The `trunkline` command. `bin/trunkline.js` runs it; a program of yours can, too.

export { main } from './main.js';

/** fast-check, told to use the whole of the sizes that are given: by default it stays near ten elements. */
import fc from 'fast-check';

fc.configureGlobal({ baseSize: 'large' });

export { fc };

// Keys written inline are another array at each render: the first of those with the same keys in the same order stays.

import { useState } from 'react';

export function useKeys(given: readonly string[] | undefined): readonly string[] | undefined {
  const [kept, keep] = useState(given);
  const isSame = kept?.length === given?.length && (given ?? []).every((key, i) => key === kept?.[i]);
  if (isSame) return kept;
  // While rendering: React begins anew with it before anything is shown.
  keep(given);
  return given;
}

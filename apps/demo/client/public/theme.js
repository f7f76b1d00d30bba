// Before the first paint: the theme that was chosen, or the system's. A file of its own, as the page allows no inline scripts.
try {
  const chosen = localStorage.getItem('trunkline.theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be forbidden: the system's theme it is.
}

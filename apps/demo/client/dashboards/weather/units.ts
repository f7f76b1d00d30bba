// Numbers of the weather with their units, as people write them.

export type Unit = 'C' | 'F';

const one = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const POINTS = ['N', 'NE', 'E', 'SE', 'S', 'SW', 'W', 'NW'] as const;

/** "12.3 °C"; a minus as people print it, and never before a zero. @param celsius in °C */
export function temperatureText(celsius: number, unit: Unit): string {
  return `${degrees(celsius, unit)} °${unit}`;
}

/** Without its unit. */
export function degrees(celsius: number, unit: Unit): string {
  const value = unit === 'C' ? celsius : celsius * 1.8 + 32;
  return one.format(Math.round(value * 10) / 10 || 0).replace('-', '−');
}

/** "17 km/h" */
export function windText(kilometresPerHour: number): string {
  return `${whole.format(kilometresPerHour)} km/h`;
}

/** "1,013 hPa" */
export function pressureText(hectopascal: number): string {
  return `${whole.format(hectopascal)} hPa`;
}

/** Where the wind comes from: "NE". @param degree 0 is north, 90 is east */
export function compassPoint(degree: number): string {
  return POINTS[Math.round(degree / 45) % 8] ?? 'N';
}

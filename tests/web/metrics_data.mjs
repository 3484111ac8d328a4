// A day of an agent's metrics as a played server tells it: quiet at night, busy in office hours.

const STEP = 600;

export function dayOfMetrics() {
  const from = Date.UTC(2026, 10, 2);
  const series = (value) => Array.from({ length: 144 }, (_, index) => {
    const busy = Math.max(0, Math.sin(((index - 42) / 72) * Math.PI));
    return [new Date(from + index * STEP * 1000).toISOString(), value(index >= 42 && index <= 114 ? busy : 0, (index * 37) % 11 / 11)];
  });
  const memory = 2 ** 20;
  return {
    from: new Date(from).toISOString(), to: new Date(from + 86_400_000).toISOString(), stepSeconds: STEP,
    current: { cpuPercent: 12.5, memoryBytes: 312 * memory, memoryLimitBytes: 2048 * memory },
    series: {
      cpuCores: series((busy, noise) => 0.02 + busy * 0.35 + noise * 0.05), memoryBytes: series((busy, noise) => memory * (280 + busy * 220 + noise * 20)),
      networkRxBytes: series((busy, noise) => 2048 + busy * 900_000 + noise * 60_000), networkTxBytes: series((busy, noise) => 1024 + busy * 240_000 + noise * 20_000),
      tokensIn: series((busy, noise) => Math.round(busy * (9000 + noise * 3000))), tokensOut: series((busy, noise) => Math.round(busy * (1400 + noise * 500))),
      spendUsd: series((busy, noise) => busy * (0.03 + noise * 0.01)),
    },
  };
}

// The one place where benchmarks reach genlet: its compiled form, as users get it.
export * from '../dist/index.js';

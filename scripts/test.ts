/** Checks everything. The last line of the output is `N passed, N failed, N skipped`. */
import { exec, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const total = { passed: 0, failed: 0, skipped: 0 };

await Promise.all(['types', 'lint', 'build', 'docs'].map(check));
unitTests();

console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed > 0 ? 1 : 0;

/** Runs an npm script, whose output matters only when it fails. */
function check(script: string): Promise<void> {
  return new Promise((done) => {
    exec(`npm run --silent ${script}`, { maxBuffer: Number.POSITIVE_INFINITY }, (error, stdout, stderr) => {
      console.log(`== ${script}: ${error === null ? 'passed' : 'failed'}`);
      if (error === null) {
        total.passed += 1;
      } else {
        total.failed += 1;
        console.log(stdout + stderr);
      }
      done();
    });
  });
}

function unitTests(): void {
  console.log('== unit tests');
  const folder = mkdtempSync(join(tmpdir(), 'genlet-test-'));
  const report = join(folder, 'report.json');
  const { status } = spawnSync(`vitest run --reporter=default --reporter=json --outputFile.json="${report}"`, {
    shell: true,
    stdio: 'inherit',
  });
  const counts = readCounts(report);
  rmSync(folder, { recursive: true });
  total.passed += counts.passed;
  total.skipped += counts.skipped;
  // A test file that cannot be loaded and an error outside of any test fail the run without failing a test.
  total.failed += status === 0 ? counts.failed : Math.max(counts.failed, 1);
}

function readCounts(report: string): typeof total {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(readFileSync(report, 'utf8'));
    return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

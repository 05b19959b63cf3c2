// Two timers, one of which is cancelled in time.
// Python: threading.Timer(seconds, function, args), start() and cancel().
import { run, sleep, Timer } from 'genlet';

await run(function* () {
  const tea = new Timer(3000, (drink: string) => console.log(`the ${drink} is ready`), 'tea');
  const coffee = new Timer(2000, () => console.log('the coffee is ready'));
  tea.start();
  coffee.start();
  yield* sleep(1000);
  coffee.cancel();
  console.log('no coffee, please');
  yield* tea.join(); // a timer is a greenlet
});

// Work on many items by three workers; results in the order of the items, or in that in which they come.
// Python: do_threaded_work(items, work, max_threads, preserve_order), with threading.Thread over a queue.Queue.
import { getcurrent, mapItems, run, sleep } from 'genlet';

const birds = ['owl', 'goldfinch', 'wren', 'robin', 'kingfisher', 'jay'];

function* measure(bird: string) {
  yield* sleep(100 * bird.length);
  console.log(`${getcurrent()!.name} measured ${bird}`);
  return `${bird} ${bird.length}`;
}

await run(function* () {
  const ordered = yield* mapItems(birds, measure, { limit: 3 });
  console.log(`in order: ${ordered.join(', ')}`);
  const unordered = yield* mapItems(birds, measure, { limit: 3, preserveOrder: false });
  console.log(`as they came: ${unordered.join(', ')}`);
});

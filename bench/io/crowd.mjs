// node crowd.mjs <connections> <messages> <port>: opens so many connections to an echo server, each of which gets one answer; then
// prints "open". At a line of its standard input all send a message, so many times, each when it has its answer; prints
// "answered" when all are answered, and leaves when its standard input ends.
import { connect } from 'node:net';

const [connections, messages, port] = process.argv.slice(2).map(Number);
const atATime = 100;

const fail = (problem) => {
  console.error(problem);
  process.exit(1);
};

function open(index) {
  const socket = connect(port, '127.0.0.1').on('error', fail);
  socket.on('close', () => fail(`connection ${index} was closed`));
  return {
    /** A promise of the answer, which is checked. */
    ask(number) {
      const message = `message ${number} of connection ${index}`;
      let answer = '';
      return new Promise((resolve) => {
        socket.removeAllListeners('data').on('data', (bytes) => {
          answer += bytes.toString('latin1');
          if (answer === message) resolve();
          else if (!message.startsWith(answer)) fail(`"${answer}" is the answer to "${message}"`);
        });
        socket.write(message);
      });
    },
  };
}

const all = [];
while (all.length < connections) {
  const some = Array.from({ length: Math.min(atATime, connections - all.length) }, (_, index) =>
    open(all.length + index),
  );
  await Promise.all(some.map((one) => one.ask(0)));
  all.push(...some);
}
console.log('open');

process.stdin.once('data', async () => {
  const talk = async (one) => {
    for (let number = 1; number <= messages; number++) await one.ask(number);
  };
  await Promise.all(all.map(talk));
  console.log('answered');
});
process.stdin.on('end', () => process.exit(0));

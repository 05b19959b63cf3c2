// What the workers of all peers do. Plain functions of one argument: every pool can call these.
import { createHash } from 'node:crypto';

export const increment = (number) => number + 1;

export const summarize = ({ id, first, second, name }) => ({ id, sum: first + second, name });

export function fibonacci(number) {
  return number < 2 ? number : fibonacci(number - 1) + fibonacci(number - 2);
}

export function hashChain(length) {
  let digest = Buffer.alloc(32);
  for (let index = 0; index < length; index++) digest = createHash('sha256').update(digest).digest();
  return digest.toString('hex');
}

/** The sum of the elements of the product of two matrices. */
export function multiply(size) {
  const left = Float64Array.from({ length: size * size }, (_, index) => index % 7);
  const right = Float64Array.from({ length: size * size }, (_, index) => index % 5);
  const product = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let inner = 0; inner < size; inner++) {
      const factor = left[row * size + inner];
      for (let column = 0; column < size; column++) {
        product[row * size + column] += factor * right[inner * size + column];
      }
    }
  }
  return product.reduce((sum, element) => sum + element, 0);
}

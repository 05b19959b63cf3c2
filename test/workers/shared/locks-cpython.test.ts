/** The cases of multiprocessing's tests of locks, semaphores, conditions and events, over `shared` in threads. */
import { describe } from 'vitest';
import { watchHub } from '../../support/hub.ts';
import {
  conditionCases,
  eventCases,
  lockCases,
  rlockCases,
  semaphoreCases,
  sharedKit,
} from '../fixtures/conformance-shared-cases.ts';

watchHub();
const kit = sharedKit();

describe('a shared Lock', () => lockCases(kit));
describe('a shared RLock', () => rlockCases(kit));
describe('a shared Semaphore', () => semaphoreCases(kit));
describe('a shared Event', () => eventCases(kit));
describe('a shared Condition', () => conditionCases(kit));

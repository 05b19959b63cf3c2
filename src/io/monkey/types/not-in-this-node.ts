/** How a call is typed that the installed version of `@types/node` does not know. */
declare const missing: unique symbol;

/** What no argument is: the type of a parameter that this version of Node lacks. `never` would pass for anything. */
export interface NotInThisNode {
  readonly [missing]: true;
}

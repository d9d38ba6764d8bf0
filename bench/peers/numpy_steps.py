"""A formula as NumPy's fast users write it: one ufunc after the other, each into an array that was
made before and is used again as soon as its value is no longer needed."""
import ast

import numpy as np

OPERATORS = {ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide, ast.Gt: np.greater,
             ast.USub: np.negative}


def choose(c, a, b, out):
    """np.where, which has no out."""
    np.copyto(out, b)
    np.copyto(out, a, where=c)


class Steps(ast.NodeVisitor):
    """Each visit gives the operand that holds the node's value."""

    def __init__(self, functions, arguments, out):
        self.functions, self.arguments, self.out = functions, arguments, out
        self.steps, self.free, self.mine = [], [], set()

    def take(self, dtype):
        """An array nobody needs, or a new one."""
        for i, a in enumerate(self.free):
            if a.dtype == dtype:
                return self.free.pop(i)
        made = np.zeros(self.out.shape, dtype)
        self.mine.add(id(made))
        return made

    def step(self, call, operands, dtype=None):
        """A ufunc may write over what it reads; so operands are free before the result is placed."""
        if call is choose:
            result = self.take(self.out.dtype)
        self.free += [a for a in operands if id(a) in self.mine]
        if call is not choose:
            result = self.take(dtype or self.out.dtype)
        self.steps.append([call, operands, result])
        return result

    def visit_Name(self, node):
        return self.arguments[node.id]

    def visit_Constant(self, node):
        return node.value

    def visit_UnaryOp(self, node):
        return self.step(OPERATORS[type(node.op)], [self.visit(node.operand)])

    def visit_BinOp(self, node):
        return self.step(OPERATORS[type(node.op)], [self.visit(node.left), self.visit(node.right)])

    def visit_Compare(self, node):
        return self.step(OPERATORS[type(node.ops[0])], [self.visit(node.left), self.visit(node.comparators[0])],
                         np.dtype(bool))

    def visit_Call(self, node):
        call = choose if node.func.id == "select" else self.functions[node.func.id]
        return self.step(call, [self.visit(a) for a in node.args])


def steps_of(formula, functions, arguments, out):
    """A function without arguments that computes the formula into `out`."""
    walk = Steps(functions, arguments, out)
    walk.visit(ast.parse(formula, mode="eval").body)
    walk.steps[-1][2] = out
    steps = [tuple(s) for s in walk.steps]

    def run():
        for call, operands, result in steps:
            call(*operands, out=result)
    return run

// Package main answers cases of policies with Open Policy Agent.
//
// A line of the input is {"policy": path, "rules": [...], "input": ..., "data": {...},
// "references": {...}}; the line of the output for it has those of the rules that are
// defined, {"rules": {...}}, or {"error": "..."}.
//
// SPDX-License-Identifier: Apache-2.0
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/types"
)

type question struct {
	Policy     string         `json:"policy"`
	Rules      []string       `json:"rules"`
	Input      any            `json:"input"`
	Data       map[string]any `json:"data"`
	References map[string]any `json:"references"`
}

type answer struct {
	Rules map[string]any `json:"rules,omitempty"`
	Error string         `json:"error,omitempty"`
}

// judge holds what was compiled, and what a case gives to it.
type judge struct {
	store      storage.Store
	references map[string]any
	queries    map[string]rego.PreparedEvalQuery
}

func (j *judge) reference(_ rego.BuiltinContext, name *ast.Term) (*ast.Term, error) {
	text, ok := name.Value.(ast.String)
	if !ok {
		return nil, fmt.Errorf("query_reference_value takes a string")
	}
	value, err := ast.InterfaceToValue(j.references[string(text)])
	if err != nil {
		return nil, err
	}
	return ast.NewTerm(value), nil
}

func (j *judge) query(ctx context.Context, policy, rule string) (rego.PreparedEvalQuery, error) {
	if query, ok := j.queries[policy+" "+rule]; ok {
		return query, nil
	}
	text, err := os.ReadFile(policy)
	if err != nil {
		return rego.PreparedEvalQuery{}, err
	}
	query, err := rego.New(
		rego.Query("data.policy."+rule),
		rego.Module(policy, string(text)),
		rego.Store(j.store),
		rego.Function1(&rego.Function{
			Name: "query_reference_value",
			Decl: types.NewFunction(types.Args(types.S), types.A),
		}, j.reference),
	).PrepareForEval(ctx)
	if err == nil {
		j.queries[policy+" "+rule] = query
	}
	return query, err
}

func (j *judge) answer(ctx context.Context, q *question) answer {
	if q.Data == nil {
		q.Data = map[string]any{}
	}
	if err := storage.WriteOne(ctx, j.store, storage.AddOp, storage.Path{}, q.Data); err != nil {
		return answer{Error: err.Error()}
	}
	j.references = q.References
	rules := map[string]any{}
	for _, rule := range q.Rules {
		query, err := j.query(ctx, q.Policy, rule)
		if err != nil {
			return answer{Error: err.Error()}
		}
		results, err := query.Eval(ctx, rego.EvalInput(q.Input))
		if err != nil {
			return answer{Error: err.Error()}
		}
		if len(results) > 0 {
			rules[rule] = results[0].Expressions[0].Value
		}
	}
	return answer{Rules: rules}
}

func run(in io.Reader, out io.Writer) error {
	ctx := context.Background()
	j := &judge{store: inmem.New(), queries: map[string]rego.PreparedEvalQuery{}}
	decoder := json.NewDecoder(bufio.NewReader(in))
	decoder.UseNumber()
	writer := bufio.NewWriter(out)
	encoder := json.NewEncoder(writer)

	for decoder.More() {
		var q question
		if err := decoder.Decode(&q); err != nil {
			return err
		}
		if err := encoder.Encode(j.answer(ctx, &q)); err != nil {
			return err
		}
	}
	return writer.Flush()
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
